/* What a C library finds of a host name: one address a line, or the reason for none. The
   libraries that programs are linked with ask quite differently for the same call. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int count, char **arguments) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *at;
  char text[64];
  int failed = getaddrinfo(count > 1 ? arguments[1] : "", NULL, &hints, &found);
  if (failed) {
    fprintf(stderr, "%s\n", gai_strerror(failed));
    return 2;
  }
  for (at = found; at; at = at->ai_next) {
    getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    puts(text);
  }
  return 0;
}
