package wiretask

import (
	"bytes"
	"unicode/utf8"
)

// checkNumber is the last check of a number: its range, its enum or its flags.
func checkNumber(t *Type, value uint64, path string, at int) (any, *Error) {
	switch {
	case value > most(t.width): // only a value to be written can be so large
		return nil, fail(OutOfRange, path, at)
	case t.kind == closedEnum && (value < t.min || value > t.max):
		return nil, fail(BadEnum, path, at)
	case t.kind == flagSet && value&^t.max != 0:
		return nil, fail(OutOfRange, path, at)
	case value < t.min || value > t.max:
		return nil, fail(OutOfRange, path, at)
	case t.kind == boolean:
		return value == 1, nil
	}
	return value, nil
}

// check looks at octets or a text in the order of PROTOCOL.md: limit, UTF-8, pattern.
func check(t *Type, raw []byte, path string, at int) (any, *Error) {
	if length := uint64(len(raw)); length < t.min || length > t.max {
		return nil, fail(LimitExceeded, path, at)
	}
	if t.kind == octets {
		return raw, nil
	}
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return nil, fail(BadUTF8, path, at)
	}
	if t.pattern != nil && !t.pattern.Match(raw) {
		return nil, fail(BadPattern, path, at)
	}
	return string(raw), nil
}
