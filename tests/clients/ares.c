/* The same by c-ares, which curl, Node.js, gRPC and Envoy ask with. */
#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/select.h>

static int result = 1;

static void answered(void *nothing, int status, int timeouts, struct ares_addrinfo *found) {
  char text[64];
  struct ares_addrinfo_node *at;
  result = status == ARES_SUCCESS ? 0 : 2;
  if (status != ARES_SUCCESS) {
    fprintf(stderr, "%s\n", ares_strerror(status));
    return;
  }
  for (at = found->nodes; at; at = at->ai_next) {
    getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    puts(text);
  }
  ares_freeaddrinfo(found);
}

int main(int count, char **arguments) {
  struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  ares_channel channel;
  if (ares_library_init(ARES_LIB_INIT_ALL) || ares_init(&channel))
    return 1;
  ares_getaddrinfo(channel, count > 1 ? arguments[1] : "", NULL, &hints, answered, NULL);
  for (;;) {
    struct timeval longest = {5, 0}, *wait;
    fd_set readable, writable;
    int descriptors;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    descriptors = ares_fds(channel, &readable, &writable);
    if (descriptors == 0)
      return result;
    wait = ares_timeout(channel, &longest, &longest);
    select(descriptors, &readable, &writable, NULL, wait);
    ares_process(channel, &readable, &writable);
  }
}
