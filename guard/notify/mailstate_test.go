package notify_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"cordon/guard/notify"
)

// However many mails are tried, that the server is away is said once, and once that it is back.
func TestAMailServerThatIsAwayIsSaidOnce(t *testing.T) {
	address, comeBack := away(t)
	log, now := &lines{}, newClock()
	box := openMailbox(t, mailboxOptions{}, nil)
	config := box.config()
	there := config.Address
	config.Address = address
	r, _ := secure(t, notify.Config{Mail: config, Now: now.now, Log: slog.New(slog.NewTextHandler(log, nil))})
	if r.MailState() != notify.MailOK && r.MailState() != notify.MailFailing {
		t.Errorf("it is %q", r.MailState())
	}
	r.await("mail retried", 1)
	now.pass(10 * time.Second)
	r.Wake()
	r.await("mail retried", 2)
	if got := r.MailState(); got != notify.MailFailing {
		t.Errorf("it is %q after two tries", got)
	}
	// The server is there again: what comes to the old address goes on to the mailbox.
	forward(t, comeBack(), there)
	now.pass(time.Minute)
	r.Wake()
	r.await("mail delivered", 1)
	if got := r.MailState(); got != notify.MailOK {
		t.Errorf("it is %q after a delivery", got)
	}
	if off, back := log.count("mail server does not answer"), log.count("mail server answers again"); off != 1 || back != 1 {
		t.Errorf("said %d times that it is away and %d times that it is back, want once each:\n%s", off, back, log.text.String())
	}
	if log.count(address) > 0 || log.count("example.org") > 0 {
		t.Errorf("the log has an address:\n%s", log.text.String())
	}
}

// away returns an address that refuses every connection until it is listened at, and that nobody else can take meanwhile.
func away(t *testing.T) (address string, listen func() net.Listener) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	socket := os.NewFile(uintptr(fd), "socket")
	t.Cleanup(func() { _ = socket.Close() })
	must(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	must(err)
	bound, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("it is bound to %v", name)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.Port), func() net.Listener {
		t.Helper()
		must(syscall.Listen(fd, 16))
		listener, err := net.FileListener(socket)
		must(err)
		return listener
	}
}

// forward hands what comes in to another address, until the test ends.
func forward(t *testing.T, from net.Listener, to string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			here, err := from.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				_ = here.Close()
				continue
			}
			splice(here, there)
		}
	}()
	t.Cleanup(func() {
		_ = from.Close()
		<-done
	})
}

// splice joins two connections until one of them ends.
func splice(a, b net.Conn) {
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
			_ = pair[1].Close()
		})
	}
	both.Wait()
}
