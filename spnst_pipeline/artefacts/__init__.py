"""What lies in the store: identities, places, fingerprints and the rules that outdate them."""
