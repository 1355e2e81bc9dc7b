#pragma once

namespace modelwire {

// A gRPC service config in JSON, for grpc::ChannelArguments::SetServiceConfigJSON: which methods are tried again after
// which statuses, and how long each may take.
inline constexpr char kServiceConfig[] = R"json(
@SERVICE_CONFIG@
)json";

}  // namespace modelwire
