"""The worker's loop and its passes."""

from app.jobs.runner import EmbeddedRunner

__all__ = ["EmbeddedRunner"]
