package wiretask

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const critical = 0x8000

// reader goes through a payload from left to right; the first thing that is wrong is kept, and ends it.
type reader struct {
	octets []byte
	at     int
	end    int
}

// DecodeFrame reads a whole frame, and nothing but it.
func DecodeFrame(frame []byte) (*Layout, Fields, *Error) {
	if len(frame) < headerOctets {
		return nil, nil, fail(Truncated, "", Nowhere)
	}
	layout, payload := Messages[uint64(frame[0])], frame[headerOctets:]
	if layout == nil {
		return nil, nil, fail(UnknownCommand, "", Nowhere)
	}
	switch length := uint64(binary.BigEndian.Uint32(frame[1:])); {
	case length > uint64(len(payload)):
		return nil, nil, fail(Truncated, "", Nowhere)
	case length < uint64(len(payload)):
		return nil, nil, fail(TrailingBytes, "", int(length))
	}
	f, err := DecodePayload(layout, payload)
	return layout, f, err
}

// DecodePayload reads the payload of a message.
func DecodePayload(layout *Layout, payload []byte) (Fields, *Error) {
	r := &reader{octets: payload, end: len(payload)}
	f, err := r.message(layout)
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		err.Command = layout.Command
		return nil, err
	}
	return f, nil
}

// DecodeRelayed reads a relayed struct, as who it is for does: with the values of its tags.
func DecodeRelayed(layout RelayedLayout, payload []byte) (Fields, *Error) {
	r := &reader{octets: payload, end: len(payload)}
	f, err := r.relayedStruct(layout, "", layout.tags)
	if err == nil {
		err = r.finish()
	}
	return f, err
}

func fail(code Code, path string, at int) *Error { return &Error{Code: code, Field: path, Offset: at} }

func (r *reader) finish() *Error {
	if r.at < r.end {
		return fail(TrailingBytes, "", r.at)
	}
	return nil
}

func (r *reader) message(layout *Layout) (Fields, *Error) {
	f := Fields{}
	if err := r.fields(f, layout.fields, ""); err != nil {
		return nil, err
	}
	if err := r.section(f, layout.tags, "", true, true); err != nil {
		return nil, err
	}
	// The rules look at fields and tags alone, so the relayed struct joins them afterwards.
	var passed []byte
	if layout.relay != "" {
		var err *Error
		if passed, err = r.passedOn(layout.relay, relayName(layout.relay)+"."); err != nil {
			return nil, err
		}
	}
	for _, holds := range layout.rules {
		if !holds(f) {
			return nil, fail(RuleBroken, "", Nowhere)
		}
	}
	if layout.relay != "" {
		f[relayName(layout.relay)] = passed
	}
	return f, nil
}

func relayName(relay string) string { return strings.ToLower(relay) }

func (r *reader) fields(into Fields, fields []Field, prefix string) *Error {
	for _, field := range fields {
		value, err := r.value(&field.Type, prefix+field.name)
		if err != nil {
			return err
		}
		into[field.name] = value
	}
	return nil
}

func (r *reader) relayedStruct(layout RelayedLayout, prefix string, known tagged) (Fields, *Error) {
	f := Fields{}
	if err := r.fields(f, layout.fields, prefix); err != nil {
		return nil, err
	}
	if err := r.section(f, known, prefix, known != nil, layout.critical); err != nil {
		return nil, err
	}
	value, err := r.value(&body, prefix+"body")
	f["body"] = value
	return f, err
}

// passedOn checks the structure of a relayed struct and gives its octets; the values of its tags are for who reads it.
func (r *reader) passedOn(name, prefix string) ([]byte, *Error) {
	start := r.at
	if _, err := r.relayedStruct(Relayed[name], prefix, nil); err != nil {
		return nil, err
	}
	return r.octets[start:r.at], nil
}

// section reads tags. Without `reads` only their structure is looked at; a critical tag is refused by who reads, and by
// everybody where none `mayBeCritical`.
func (r *reader) section(into Fields, known tagged, prefix string, reads, mayBeCritical bool) *Error {
	path := prefix + "tags"
	count, err := r.number(1, path)
	if err != nil {
		return err
	}
	var unknown []Tag
	last := uint64(0)
	for index := uint64(0); index < count; index++ {
		at := r.at
		entry := func(code Code) *Error { return fail(code, fmt.Sprintf("%s[%d]", path, index), at) }
		if r.end-r.at < 6 {
			return entry(Truncated)
		}
		number, length := r.take(2), r.take(4)
		if number <= last {
			return entry(TagOrder)
		}
		last = number
		if length > uint64(r.end-r.at) {
			return entry(Truncated)
		}
		if field, is := known[number]; is && reads {
			value, err := r.tagValue(&field.Type, prefix+field.name, int(length))
			if err != nil {
				return err
			}
			into[field.name] = value
			continue
		}
		if number >= critical && (reads || !mayBeCritical) {
			return entry(CriticalTag)
		}
		unknown = append(unknown, Tag{number, r.slice(int(length))})
	}
	if unknown != nil && reads {
		into[Unknown] = unknown
	}
	return nil
}

// tagValue reads the value of a tag, which must take all of it; a text and octets have no length of their own there.
func (r *reader) tagValue(t *Type, path string, length int) (any, *Error) {
	start := r.at
	if t.kind == text || t.kind == octets {
		return check(t, r.slice(length), path, start)
	}
	before := r.end
	r.end = start + length
	value, err := r.value(t, path)
	if err != nil && err.Code == Truncated || err == nil && r.at < r.end {
		return nil, fail(TagLength, path, start)
	}
	r.end = before
	return value, err
}

func (r *reader) value(t *Type, path string) (any, *Error) {
	at := r.at
	switch t.kind {
	case number, boolean, closedEnum, flagSet:
		value, err := r.number(t.width, path)
		if err != nil {
			return nil, err
		}
		return checkNumber(t, value, path, at)
	case fixed:
		if r.end-r.at < t.width {
			return nil, fail(Truncated, path, at)
		}
		return r.slice(t.width), nil
	case text, octets:
		length, err := r.number(t.width, path)
		if err != nil {
			return nil, err
		}
		if length > uint64(r.end-r.at) {
			return nil, fail(Truncated, path, at)
		}
		return check(t, r.slice(int(length)), path, at)
	case list:
		return r.list(t, path)
	case relayed:
		return r.passedOn(t.relay, path+".")
	}
	f := Fields{}
	if err := r.fields(f, t.fields, path+"."); err != nil {
		return nil, err
	}
	if t.rule != nil && !t.rule(f) {
		return nil, fail(RuleBroken, path, at)
	}
	return f, nil
}

func (r *reader) list(t *Type, path string) (any, *Error) {
	at := r.at
	count, err := r.number(2, path)
	if err != nil {
		return nil, err
	}
	if count > t.max {
		return nil, fail(LimitExceeded, path, at)
	}
	items := []any{}
	for index := uint64(0); index < count; index++ {
		item, err := r.value(t.item, fmt.Sprintf("%s[%d]", path, index))
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (r *reader) number(width int, path string) (uint64, *Error) {
	if r.end-r.at < width {
		return 0, fail(Truncated, path, r.at)
	}
	return r.take(width), nil
}

func (r *reader) take(width int) uint64 {
	var wide [8]byte
	copy(wide[8-width:], r.slice(width))
	return binary.BigEndian.Uint64(wide[:])
}

func (r *reader) slice(count int) []byte {
	r.at += count
	return r.octets[r.at-count : r.at]
}
