"""The pricing room: facts in, a frozen quote out."""
