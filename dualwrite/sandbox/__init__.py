"""Two sample apps with business data, to try everything without an account."""
