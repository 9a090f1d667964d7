"""Speed, as ratios against references in the same run."""
