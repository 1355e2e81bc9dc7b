"""Transcodes HTTP and JSON to gRPC and back, by the google.api.http annotations of any service."""
