package webpush

import (
	"testing"

	"github.com/nightbell/nightbell/push"
)

// BenchmarkEncrypt is what one core encrypts, without sending.
func BenchmarkEncrypt(b *testing.B) {
	plain := make([]byte, 700)
	b.ReportAllocs()
	for b.Loop() {
		sub, err := readKeys(push.Keys{P256DH: vectorP256DH, Auth: vectorAuth})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := sub.encrypt(plain); err != nil {
			b.Fatal(err)
		}
	}
}
