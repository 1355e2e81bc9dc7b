require "modelwire/v1/chat_service_services_pb"
require "modelwire/v1/embedding_service_services_pb"
require "modelwire/v1/model_service_services_pb"

# What the gem has beside the stubs, which are in Modelwire::V1 and, once they are required, Modelwire::V1beta.
module Modelwire
  module Client
    # A gRPC service config in JSON, for the channel argument `grpc.service_config`: which methods are tried again
    # after which statuses, and how long each may take.
    SERVICE_CONFIG = File.read(File.join(__dir__, "service_config.json"), encoding: "UTF-8").freeze
  end
end
