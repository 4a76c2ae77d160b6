package realtime

import (
	"strconv"

	"github.com/gorilla/websocket"
)

// view is what a socket may see and asked for. It is comparable: sockets of
// equal view at the same cursor are sent the very same bytes. Permissions will
// be more fields here, and nowhere else.
type view struct {
	incident string // empty: all
}

func (v view) sees(it *item) bool {
	return it.json != nil && (v.incident == "" || v.incident == it.incident)
}

// batch is one events frame, ready for any socket of its view. message is nil
// when nothing in the range is visible: then the cursor moves in silence.
type batch struct {
	to      int64
	message *websocket.PreparedMessage
}

// frameSource gives the batch that follows a cursor, at most frameBudget long.
// ok is false when it has none (any more).
type frameSource interface {
	next(after int64, v view) (b batch, ok bool, err error)
}

// encodeBatch prepares the frame that cutFrame cuts, for any number of sockets.
func encodeBatch(items []*item, v view) (batch, error) {
	frame, to := cutFrame(items, v)
	if frame == nil {
		return batch{to: to}, nil
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, frame)
	return batch{to: to, message: message}, err
}

// cutFrame makes the frame for the head of items, which must not be empty and
// have no hole: as many as fit the budget, at least one. It covers the range
// up to; there is no frame when nothing in it is visible.
func cutFrame(items []*item, v view) (frame []byte, to int64) {
	to = items[len(items)-1].seq
	var body []byte
	for _, it := range items {
		if !v.sees(it) {
			continue
		}
		if body != nil && len(body)+len(it.json) > frameBudget-frameMargin {
			to = it.seq - 1
			break
		}
		if body != nil {
			body = append(body, ',')
		}
		body = append(body, it.json...)
	}
	if body == nil {
		return nil, to
	}
	return encodeEvents(items[0].seq, to, body), to
}

// frameMargin is room for the braces and the two numbers around the items.
const frameMargin = 128

// encodeEvents writes what json.Marshal would write for a ServerFrame of
// Events, around items encoded long ago. A test compares the two.
func encodeEvents(from, to int64, items []byte) []byte {
	frame := make([]byte, 0, len(items)+frameMargin)
	frame = append(frame, `{"events":{"from":`...)
	frame = strconv.AppendInt(frame, from, 10)
	frame = append(frame, `,"to":`...)
	frame = strconv.AppendInt(frame, to, 10)
	frame = append(frame, `,"items":[`...)
	frame = append(frame, items...)
	return append(frame, `]}}`...)
}

// ringFrames is the ring up to one head, as a source that remembers what it
// has encoded: most sockets stand at the same cursor. A shard makes one per
// pass and alone uses it.
type ringFrames struct {
	ring  *ring
	stand stand
	made  map[frameKey]batch
}

type frameKey struct {
	after int64
	view  view
}

// rememberMost bounds the frames a pass remembers: 64 frames of 64 KB.
const rememberMost = 64

func (f *ringFrames) next(after int64, v view) (batch, bool, error) {
	key := frameKey{after, v}
	if b, ok := f.made[key]; ok {
		return b, true, nil
	}
	items := f.ring.span(f.stand.gen, after+1, f.stand.head)
	if items == nil {
		return batch{}, false, nil
	}
	b, err := encodeBatch(items, v)
	if err != nil {
		return batch{}, false, err
	}
	if f.made == nil || len(f.made) >= rememberMost {
		f.made = make(map[frameKey]batch)
	}
	f.made[key] = b
	return b, true, nil
}
