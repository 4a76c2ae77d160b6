package wire_test

import (
	"net/http"
	"testing"

	"github.com/nightbell/nightbell/push/wire"
)

// A connection that ends while nobody sends is replaced before the next page
// needs it, and one that is renewed carries nothing new.
func TestLostConnectionIsReplacedAtRest(t *testing.T) {
	t.Parallel()
	s := newServer(t, 100, func(http.ResponseWriter, *http.Request) {})
	opened := make(chan struct{}, 8)
	p := s.pool(t, func(c *wire.Config) { c.Opened = func() { opened <- struct{}{} } })
	if err := p.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-opened
	s.CloseClientConnections()
	<-opened // nobody has asked for it
}
