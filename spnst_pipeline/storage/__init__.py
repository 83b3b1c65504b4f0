"""Storage: folders and S3 behind one store, sources of pictures, digests."""
