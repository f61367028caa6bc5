"""An international group through which companies talk to their own customers."""
