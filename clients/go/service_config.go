// Package modelwire tells a channel how modelwire's methods are called; the stubs are in modelwire/v1.
package modelwire

import _ "embed"

// ServiceConfig is a gRPC service config in JSON, for grpc.WithDefaultServiceConfig: which methods are tried again
// after which statuses, and how long each may take.
//
//go:embed service_config.json
var ServiceConfig string
