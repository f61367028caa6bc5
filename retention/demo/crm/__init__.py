"""A CRM and chat service: controller of its own contracts and users, processor of what customers keep there."""
