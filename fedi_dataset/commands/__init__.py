"""The commands of the command line, a module each: options in, one call, lines or JSON out."""
