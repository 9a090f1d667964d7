"""The only room that moves money: place, drive, settle, repair."""
