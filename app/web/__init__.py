"""What the HTTP doors share: assets, brand, languages, headers, error pages, the templates' environment."""
