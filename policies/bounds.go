package policies

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a policy may come to. The built-in one has some 70 files of 100 KiB in all; what is beyond these would take a server
// long to look at before it could refuse it.
const (
	MaxFiles     = 1000
	MaxFileBytes = 256 << 10 // of one file
	MaxBytes     = 2 << 20   // of all files
	MaxPathBytes = 255       // of one path
)

// bounds returns what is wrong with the files of a policy before any of them is read: too many, too large, or at a path
// where they could not lie in a folder on any machine.
func (s Source) bounds() *ProblemsError {
	out := &ProblemsError{}
	refuse := func(file, format string, args ...any) {
		out.Problems = append(out.Problems, Problem{File: file, Code: "file_error", Message: fmt.Sprintf(format, args...)})
	}
	if len(s.Files) > MaxFiles {
		refuse("", "a policy has at most %d files, and these are %d", MaxFiles, len(s.Files))
		return out
	}
	total := 0
	folders := map[string]string{}
	for _, file := range s.Paths() {
		text := s.Files[file]
		total += len(text)
		if why := wrongPath(file); why != "" {
			refuse(shortened(file), "%s", why)
		}
		switch {
		case len(text) > MaxFileBytes:
			refuse(shortened(file), "a file has at most %d bytes, and this one has %d", MaxFileBytes, len(text))
		case !utf8.ValidString(text):
			refuse(shortened(file), "a file is UTF-8, and this one is not")
		}
		for folder := path.Dir(file); folder != "." && folder != "/" && folders[folder] == ""; folder = path.Dir(folder) {
			folders[folder] = file
		}
	}
	for _, file := range s.Paths() {
		if under, ok := folders[file]; ok {
			refuse(shortened(file), "it cannot be a file and the folder of %s", shortened(under))
		}
	}
	if total > MaxBytes {
		refuse("", "a policy has at most %d bytes, and these are %d", MaxBytes, total)
	}
	if len(out.Problems) == 0 {
		return nil
	}
	return out
}

// wrongPath says what is wrong with the path of a file, "" where nothing is.
func wrongPath(file string) string {
	switch {
	case len(file) > MaxPathBytes:
		return fmt.Sprintf("a path has at most %d bytes", MaxPathBytes)
	case !utf8.ValidString(file), strings.ContainsFunc(file, func(r rune) bool { return !unicode.IsGraphic(r) || r == '\\' || r == ':' }):
		return "a path has printable characters, and / between folders"
	case path.IsAbs(file), path.Clean(file) != file, slices.ContainsFunc(strings.Split(file, "/"), func(part string) bool { return strings.HasPrefix(part, ".") }):
		return "a path begins at the root of the policy, and no part of it is empty or begins with a dot"
	case !isModule(file) && !strings.HasSuffix(file, ".json"):
		return "a file of a policy is a module (.rego) or data (.json)"
	}
	return ""
}

// shortened is a path as an error can show it.
func shortened(file string) string {
	if len(file) > MaxPathBytes {
		file = file[:MaxPathBytes] + "..."
	}
	return strings.ToValidUTF8(file, "?")
}
