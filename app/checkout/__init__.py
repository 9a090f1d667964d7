"""From an opened link to a settled purchase: the cart's rules in order."""
