"""Certificates and keys: of the doors, of the upstreams' authorities, of the gateway's target."""
