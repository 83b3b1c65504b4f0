"""Storage: folders and buckets behind one store, sources of pictures, digests."""
