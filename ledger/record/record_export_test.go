package record

// Bytes is how much text the keyer remembers keys by.
func (k *Keyer) Bytes() (bytes int) {
	for _, known := range []map[string][]uint64{k.reasons, k.inputs} {
		for text := range known {
			bytes += len(text)
		}
	}
	return bytes
}
