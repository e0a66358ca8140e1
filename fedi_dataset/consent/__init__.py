"""Who gets in: the ledger of consent, what narrows it (licenses, signals, terms), and the gate."""
