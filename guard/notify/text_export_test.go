package notify

import (
	"io/fs"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// Write writes what a member is told of an event.
func Write(host Host, files fs.FS, e *guard.Event, facts *datastore.Facts, now time.Time) (language, subject, text, html string, err error) {
	t, err := loadTexts(files)
	if err != nil {
		return "", "", "", "", err
	}
	var l *letter
	if e.Policy != nil {
		l = newNotice(&host, e, facts.Target.Language)
	} else {
		l = newLetter(&host, e, facts, now)
	}
	w, err := t.write(l)
	if err != nil {
		return "", "", "", "", err
	}
	return w.language, w.subject, w.text, w.html, nil
}

func Texts() fs.FS { return embedded }

var (
	Flat          = flat
	FoldedSubject = foldedSubject
	IsPublic      = isPublic
)
