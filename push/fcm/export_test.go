package fcm

// PlainWrites makes the sender write every frame by itself, to compare.
func (c *Config) PlainWrites() { c.plainWrites = true }
