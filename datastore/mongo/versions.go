package mongo

import "sync"

// mostVersions bounds how many files a store remembers: more than a log of a hundred million records has.
const mostVersions = 8192

// versions remembers the documents of large files, so that who reads a file again asks for its chunks at once. It needs
// not be told of what becomes of a file: the chunks of a version that was replaced or removed are not there.
type versions struct {
	mu    sync.Mutex
	files map[string]fileDocument // by name
}

func (v *versions) get(name string) (file fileDocument, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	file, ok = v.files[name]
	return file, ok
}

func (v *versions) put(file fileDocument) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.files == nil || len(v.files) >= mostVersions {
		v.files = make(map[string]fileDocument)
	}
	v.files[file.ID] = file
}
