"""Where stored facts meet the pure engine: load, price, apply, and import from a merchant's files."""
