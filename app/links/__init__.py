"""What a link says, signed and checked: pure functions over values."""
