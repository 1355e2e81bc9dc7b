"""Where the services that the gateway fronts are described."""
