"""The port to payment gateways, one adapter per gateway, the sandbox and the registry."""
