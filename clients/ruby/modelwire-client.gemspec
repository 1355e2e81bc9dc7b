Gem::Specification.new do |spec|
  spec.name = "modelwire-client"
  spec.version = "@VERSION@"
  spec.summary = "Generated gRPC stubs of modelwire: chat, embeddings and models."
  spec.authors = ["the modelwire authors"]
  spec.homepage = "https://modelwire.dev"
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  spec.files = Dir["lib/**/*", "LICENSE", "README.md"]
  spec.add_dependency "google-protobuf", "~> 3.21" # version 4 does not read what protoc 3.21 writes
  spec.add_dependency "googleapis-common-protos-types", "~> 1.4"
  spec.add_dependency "grpc", "~> 1.51"
end
