"""A control panel for hosting: customers with domains and invoices, support, a mailing service."""
