#include "tool/admin_page.h"

#include "tests/unit/http_rig.h"

static char *get(const char *answer, int64_t wait_ms, char why[static ADMIN_PAGE_WHY_SIZE])
{
	struct http_rig rig;
	char *page;

	http_rig_start(&rig, answer);
	page = admin_page_get(rig.address, "/status", mono_add_ms(clock_mono(), wait_ms), why);
	http_rig_stop(&rig);
	return page;
}

static void body_comes_without_its_head(void **state)
{
	char why[ADMIN_PAGE_WHY_SIZE];
	char *page =
	        get("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbonjour\r\n\r\nfin", 5000, why);
	(void)state;

	assert_non_null(page);
	assert_string_equal(page, "bonjour\r\n\r\nfin");
	free(page);
}

static void must_refuse(const char *answer, int64_t wait_ms, const char *expected)
{
	char why[ADMIN_PAGE_WHY_SIZE];
	char *page = get(answer, wait_ms, why);

	assert_null(page);
	if (!strstr(why, expected))
		fail_msg("expected \"%s\" in \"%s\"", expected, why);
}

static void what_is_no_page_is_refused(void **state)
{
	(void)state;
	must_refuse("HTTP/1.1 503 Service Unavailable\r\n\r\nx", 5000,
	            ": HTTP/1.1 503 Service Unavailable");
	must_refuse("HTTP/1.1 200 OK\r\n", 5000, "is no tocsind");
	must_refuse("SSH-2.0-x\r\n\r\n", 5000, "is no tocsind");
	must_refuse("", 5000, "is no tocsind");
	must_refuse(NULL, 100, ": Connection timed out");
}

static void page_without_end_is_given_up(void **state)
{
	char *endless = malloc(ADMIN_PAGE_BYTES_MAX + 100);
	(void)state;

	memset(endless, 'x', ADMIN_PAGE_BYTES_MAX + 99);
	endless[ADMIN_PAGE_BYTES_MAX + 99] = '\0';
	must_refuse(endless, 5000, ": Message too long");
	free(endless);
}

static void nobody_there_is_told(void **state)
{
	char why[ADMIN_PAGE_WHY_SIZE], address[32];
	struct mono deadline = mono_add_ms(clock_mono(), 5000);
	int fd = socket_listen("127.0.0.1:0", 1, why, sizeof(why));
	(void)state;

	snprintf(address, sizeof(address), "127.0.0.1:%u", socket_port(fd));
	close(fd);
	assert_null(admin_page_get(address, "/status", deadline, why));
	assert_non_null(strstr(why, ": Connection refused"));
	assert_null(admin_page_get("localhost:1", "/status", deadline, why));
	assert_string_equal(why, "localhost:1: not an address and a port in figures");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(body_comes_without_its_head),
		cmocka_unit_test(what_is_no_page_is_refused),
		cmocka_unit_test(page_without_end_is_given_up),
		cmocka_unit_test(nobody_there_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
