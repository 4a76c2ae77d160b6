//go:build chromium

package chromium

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Just enough of protocol buffers for five messages of Chromium's
// google_apis/gcm/protocol: fields that are numbers or bytes.

func number(field int, v uint64) []byte {
	b := binary.AppendUvarint(nil, uint64(field)<<3)
	return binary.AppendUvarint(b, v)
}

func fixed(field int, v uint64) []byte {
	b := binary.AppendUvarint(nil, uint64(field)<<3|1)
	return binary.LittleEndian.AppendUint64(b, v)
}

func text[T string | []byte](field int, v T) []byte {
	b := binary.AppendUvarint(nil, uint64(field)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// The tags of MCS, its messages' kinds.
const (
	heartbeatPing = 0
	heartbeatAck  = 1
	loginRequest  = 2
	loginResponse = 3
	dataMessage   = 8
	mcsVersion    = 41
)

// frame is one message on the wire: its tag, its length, itself.
func frame(tag byte, message []byte) []byte {
	return append(binary.AppendUvarint([]byte{tag}, uint64(len(message))), message...)
}

func readFrame(r *bufio.Reader) (tag byte, message []byte, err error) {
	if tag, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	size, err := binary.ReadUvarint(r)
	if err != nil || size > 1<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes: %w", size, err)
	}
	message = make([]byte, size)
	_, err = io.ReadFull(r, message)
	return tag, message, err
}
