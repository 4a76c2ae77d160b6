package push

import "time"

// held is a job in this node's hands, from its arrival until what became of it
// is written down.
type held struct {
	// out holds the job from the start, and in the end what became of it.
	out Outcome
	// asOf is the moment its content was read: for a claim when the claim
	// began, for a handed-over job when its delivery was made.
	asOf  time.Time
	probe bool // taken through a closed gate, as its probe
	era   int  // the gate's when it left
	// How it leaves: back gives it back, due now, because nothing happened;
	// hurry says that what follows is due at once, so the store should be asked.
	back, hurry bool
}

// backlog is what waits in one lane: three queues, each with its own bound, so
// that settles can never keep a page out. Pages leave first, then updates,
// then settles; within a kind the first in is the first out.
type backlog struct {
	bound  int // per kind
	queues [3]fifo
}

// rank is the kind's place in the order of leaving.
func rank(k Kind) int {
	switch k {
	case Page:
		return 0
	case Update, Test, Digest, Notice: // somebody looks at the phone for them
		return 1
	default:
		return 2
	}
}

// push adds h, or reports false when its kind's queue is full.
func (b *backlog) push(h *held) bool {
	q := &b.queues[rank(h.out.Job.Delivery.Kind)]
	if q.len() >= b.bound {
		return false
	}
	q.push(h)
	return true
}

// pop takes the next job; without quiet only a page. nil when there is none.
func (b *backlog) pop(quiet bool) *held {
	for i := range b.queues {
		if i > 0 && !quiet {
			return nil
		}
		if h := b.queues[i].pop(); h != nil {
			return h
		}
	}
	return nil
}

func (b *backlog) len() int {
	n := 0
	for i := range b.queues {
		n += b.queues[i].len()
	}
	return n
}

// older takes out everything read before the moment.
func (b *backlog) older(than time.Time) []*held {
	var out []*held
	for i := range b.queues {
		out = b.queues[i].older(than, out)
	}
	return out
}

// fifo is a queue in a slice; the room of what has left is used again.
type fifo struct {
	items []*held
	head  int
}

func (q *fifo) len() int { return len(q.items) - q.head }

func (q *fifo) push(h *held) {
	if q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, h)
}

func (q *fifo) pop() *held {
	if q.len() == 0 {
		return nil
	}
	h := q.items[q.head]
	q.items[q.head] = nil
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return h
}

// older moves what was read before the moment to out and keeps the rest in order.
func (q *fifo) older(than time.Time, out []*held) []*held {
	kept := q.items[:0]
	for _, h := range q.items[q.head:] {
		if h.asOf.Before(than) {
			out = append(out, h)
		} else {
			kept = append(kept, h)
		}
	}
	clear(q.items[len(kept):])
	q.items, q.head = kept, 0
	return out
}
