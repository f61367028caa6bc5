"""A maker of machines: a site with quotes, newsletter, chat and analytics, and a sales department."""
