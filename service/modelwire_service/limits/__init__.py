"""How much each caller may use: requests and tokens a minute, calls under way."""
