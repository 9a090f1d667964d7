"""Words that every room shares: money, clock, identifiers, keys, errors, the bell, the fence, fault points."""
