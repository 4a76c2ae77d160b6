package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/nightbell/nightbell/fault"
)

// place is where a page ended: the last item's sort key.
type place struct {
	at int64 // microseconds, or a sequence number
	id string
}

// cursor writes a place for clients to hand back. list names the list and all
// its filters: a cursor carries its digest, so that one of another list is
// refused instead of skipping things silently. It is no secret and no proof:
// it only ever moves a position inside what the caller may see anyway.
func cursor(list string, p place) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.at))
	b = append(b, p.id...)
	return base64.RawURLEncoding.EncodeToString(append(digest(list, b), b...))
}

// readCursor is the inverse of [cursor]; it refuses with bad_cursor.
func readCursor(list, text string) (place, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < digestSize+8 || string(b[:digestSize]) != string(digest(list, b[digestSize:])) {
		return place{}, errBadCursor()
	}
	b = b[digestSize:]
	p := place{at: int64(binary.BigEndian.Uint64(b)), id: string(b[8:])}
	if p.at < earliest || p.at > latest || !utf8.ValidString(p.id) || strings.ContainsRune(p.id, 0) {
		return place{}, errBadCursor() // made by somebody else: the database could not look for it
	}
	return p, nil
}

// The ends of the years 1 to 9999 in microseconds, between which all places are.
const (
	earliest = -62_135_596_800_000_000
	latest   = 253_402_300_799_999_999
)

const digestSize = 8

func digest(list string, b []byte) []byte {
	h := sha256.New()
	h.Write([]byte(list))
	h.Write([]byte{0})
	h.Write(b)
	return h.Sum(nil)[:digestSize]
}

func errBadCursor() error {
	return fault.Field("cursor", "bad_cursor", "this cursor does not belong to this list with these filters; start again without a cursor")
}
