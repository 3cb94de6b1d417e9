package wiretask

import (
	"encoding/binary"
	"sort"
)

// Encode writes the frame of a message. What the protocol does not allow is refused.
func Encode(layout *Layout, f Fields) ([]byte, *Error) {
	out, err := writeOwn(layout.fields, layout.tags, f, relayName(layout.relay))
	if err != nil {
		return nil, err
	}
	plain := f
	if layout.relay != "" {
		name := relayName(layout.relay)
		if out, err = writePassed(out, layout.relay, f[name], name); err != nil {
			return nil, err
		}
		plain = without(f, name)
	}
	for _, holds := range layout.rules {
		if !holds(plain) {
			return nil, fail(RuleBroken, "", Nowhere)
		}
	}
	frame := make([]byte, 5, 5+len(out))
	frame[0] = byte(layout.Command)
	binary.BigEndian.PutUint32(frame[1:], uint32(len(out)))
	return append(frame, out...), nil
}

// EncodeRelayed writes a relayed struct.
func EncodeRelayed(layout RelayedLayout, f Fields) ([]byte, *Error) {
	out, err := writeOwn(layout.fields, layout.tags, f, "body")
	if err != nil {
		return nil, err
	}
	return writeValue(out, &body, f["body"], "body")
}

// writeOwn writes fields and tags, without what comes last. A name that is neither is refused: it would be lost.
func writeOwn(fields []Field, tags tagged, f Fields, last string) ([]byte, *Error) {
	names := map[string]bool{Unknown: true, last: true}
	for _, field := range fields {
		names[field.name] = true
	}
	for _, field := range tags {
		names[field.name] = true
	}
	for name := range f {
		if !names[name] {
			return nil, fail(OutOfRange, name, Nowhere)
		}
	}
	out, err := writeFields(nil, fields, f, "")
	if err != nil {
		return nil, err
	}
	return writeSection(out, tags, f, "")
}

// writePassed writes a relayed struct that is octets already: what its reader could not take apart is refused.
func writePassed(out []byte, relay string, value any, path string) ([]byte, *Error) {
	raw, is := value.([]byte)
	if !is {
		return nil, fail(OutOfRange, path, Nowhere)
	}
	r := &reader{octets: raw, end: len(raw)}
	if _, err := r.passedOn(relay, path+"."); err != nil {
		return nil, err
	}
	return append(out, raw...), r.finish()
}

func without(f Fields, name string) Fields {
	made := Fields{}
	for key, value := range f {
		if key != name {
			made[key] = value
		}
	}
	return made
}

func writeFields(out []byte, fields []Field, f Fields, prefix string) ([]byte, *Error) {
	var err *Error
	for _, field := range fields {
		if out, err = writeValue(out, &field.Type, f[field.name], prefix+field.name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func writeSection(out []byte, known tagged, f Fields, prefix string) ([]byte, *Error) {
	tags := []Tag{}
	for number, field := range known {
		if value, there := f[field.name]; there {
			raw, err := writeTagValue(&field.Type, value, prefix+field.name)
			if err != nil {
				return nil, err
			}
			tags = append(tags, Tag{number, raw})
		}
	}
	unknown, _ := f[Unknown].([]Tag)
	last := uint64(0)
	for _, tag := range unknown {
		if _, is := known[tag.Number]; is || tag.Number <= last || tag.Number >= critical {
			return nil, fail(TagOrder, prefix+"tags", Nowhere)
		}
		last = tag.Number
	}
	tags = append(tags, unknown...)
	if len(tags) > 255 {
		return nil, fail(LimitExceeded, prefix+"tags", Nowhere)
	}
	sort.Slice(tags, func(i, j int) bool { return tags[i].Number < tags[j].Number })
	out = append(out, byte(len(tags)))
	for _, tag := range tags {
		out = put(out, 2, tag.Number)
		out = put(out, 4, uint64(len(tag.Octets)))
		out = append(out, tag.Octets...)
	}
	return out, nil
}

func writeTagValue(t *Type, value any, path string) ([]byte, *Error) {
	if t.kind == text || t.kind == octets {
		return checkedOctets(t, value, path)
	}
	if t.kind == relayed {
		return writePassed(nil, t.relay, value, path)
	}
	return writeValue(nil, t, value, path)
}

func writeValue(out []byte, t *Type, value any, path string) ([]byte, *Error) {
	switch t.kind {
	case text, octets:
		raw, err := checkedOctets(t, value, path)
		return append(put(out, t.width, uint64(len(raw))), raw...), err
	case fixed:
		if raw, is := value.([]byte); is && len(raw) == t.width {
			return append(out, raw...), nil
		}
	case list:
		if items, is := value.([]any); is {
			return writeList(out, t, items, path)
		}
	case structure:
		if f, is := value.(Fields); is {
			return writeStruct(out, t, f, path)
		}
	case boolean:
		if yes, is := value.(bool); is {
			return append(out, map[bool]byte{true: 1}[yes]), nil
		}
	default:
		if n, is := value.(uint64); is {
			_, err := checkNumber(t, n, path, Nowhere)
			return put(out, t.width, n), err
		}
	}
	// A value of another kind, or none at all.
	return nil, fail(OutOfRange, path, Nowhere)
}

func writeList(out []byte, t *Type, items []any, path string) ([]byte, *Error) {
	if uint64(len(items)) > t.max {
		return nil, fail(LimitExceeded, path, Nowhere)
	}
	out = put(out, 2, uint64(len(items)))
	var err *Error
	for _, item := range items {
		if out, err = writeValue(out, t.item, item, path); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func writeStruct(out []byte, t *Type, f Fields, path string) ([]byte, *Error) {
	out, err := writeFields(out, t.fields, f, path+".")
	if err == nil && t.rule != nil && !t.rule(f) {
		err = fail(RuleBroken, path, Nowhere)
	}
	return out, err
}

func checkedOctets(t *Type, value any, path string) ([]byte, *Error) {
	var raw []byte
	switch value := value.(type) {
	case string:
		raw = []byte(value)
	case []byte:
		raw = value
	default:
		return nil, fail(OutOfRange, path, Nowhere)
	}
	_, err := check(t, raw, path, Nowhere)
	return raw, err
}

func put(out []byte, width int, value uint64) []byte {
	for shift := 8 * (width - 1); shift >= 0; shift -= 8 {
		out = append(out, byte(value>>shift))
	}
	return out
}
