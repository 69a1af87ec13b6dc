"""What the services that show pages share: sign-in, form tokens, security headers, static files, error pages."""
