"""What more than one ASCI service needs, or what is a contract between them. Knows no service."""
