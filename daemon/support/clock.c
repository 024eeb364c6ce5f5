#include "support/clock.h"

#include <sys/timex.h>
#include <time.h>

#include "support/bug.h"

#define DAY_S        86400LL
#define WALL_LAST_US 253402300799999999LL /* 9999-12-31T23:59:59.999999Z */

struct mono clock_mono(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
	return (struct mono){ (int64_t)now.tv_sec * 1000000000LL + now.tv_nsec };
}

struct wall clock_wall(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return (struct wall){ (int64_t)now.tv_sec * CLOCK_S_US + now.tv_nsec / 1000 };
}

bool clock_is_synchronised(void)
{
	struct timex kernel = { .modes = 0 };
	int state = adjtimex(&kernel);
	return state != -1 && state != TIME_ERROR && !(kernel.status & STA_UNSYNC);
}

/* Days from 1970-01-01 in the Gregorian calendar. The year is taken to begin in March, so that the
 * leap day is its last; 146,097 days make an era of 400 years. */
static int64_t days_from_date(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int era = y / 400;
	int year_of_era = y - era * 400;
	int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097LL + day_of_era - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
	days += 719468;
	int era = (int)(days / 146097);
	int day_of_era = (int)(days - era * 146097LL);
	int year_of_era =
	        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int march_month = (5 * day_of_year + 2) / 153;

	*day = day_of_year - (153 * march_month + 2) / 5 + 1;
	*month = march_month < 10 ? march_month + 3 : march_month - 9;
	*year = year_of_era + era * 400 + (*month <= 2);
}

/* `digits` decimal digits and then the mark; returns what comes after. */
static char *write_field(char *at, int digits, int64_t value, char mark)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	at[digits] = mark;
	return at + digits + 1;
}

const char *wall_format(struct wall t, char out[static CLOCK_TEXT_SIZE])
{
	int64_t us = t.us < 0 ? 0 : t.us > WALL_LAST_US ? WALL_LAST_US : t.us;
	int64_t second = us / CLOCK_S_US % DAY_S;
	int year, month, day;

	date_from_days(us / CLOCK_S_US / DAY_S, &year, &month, &day);
	char *at = write_field(out, 4, year, '-');
	at = write_field(at, 2, month, '-');
	at = write_field(at, 2, day, 'T');
	at = write_field(at, 2, second / 3600, ':');
	at = write_field(at, 2, second / 60 % 60, ':');
	at = write_field(at, 2, second % 60, '.');
	at = write_field(at, 3, us / 1000 % 1000, 'Z');
	*at = '\0';
	return out;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `digits` decimal digits at *at, within [min, max]; moves *at past them. */
static bool read_field(const char **at, int digits, int min, int max, int *out)
{
	int value = 0;
	for (int i = 0; i < digits; i++) {
		char c = (*at)[i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*at += digits;
	*out = value;
	return value >= min && value <= max;
}

static bool read_mark(const char **at, char mark)
{
	if (**at != mark)
		return false;
	(*at)++;
	return true;
}

/* "" or "." and one or more digits; what is finer than a microsecond is cut off. */
static bool read_fraction(const char **at, int *us)
{
	int weight = 100000;

	*us = 0;
	if (!read_mark(at, '.'))
		return true;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++, weight /= 10)
		*us += (**at - '0') * weight;
	return true;
}

/* "Z" or "+hh:mm" or "-hh:mm" (RFC 3339, 5.6), as seconds east of UTC. */
static bool read_offset(const char **at, int *seconds)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	*seconds = 0;
	if (read_mark(at, 'Z') || read_mark(at, 'z'))
		return true;
	if (!read_mark(at, '+') && !read_mark(at, '-'))
		return false;
	if (!read_field(at, 2, 0, 23, &hours) || !read_mark(at, ':') ||
	    !read_field(at, 2, 0, 59, &minutes))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool wall_parse(const char *text, struct wall *out)
{
	const char *at = text;
	int year, month, day, hour, minute, second, us, offset;

	if (!read_field(&at, 4, 0, 9999, &year) || !read_mark(&at, '-') ||
	    !read_field(&at, 2, 1, 12, &month) || !read_mark(&at, '-') ||
	    !read_field(&at, 2, 1, days_in_month(year, month), &day))
		return false;
	if (!read_mark(&at, 'T') && !read_mark(&at, 't'))
		return false;
	if (!read_field(&at, 2, 0, 23, &hour) || !read_mark(&at, ':') ||
	    !read_field(&at, 2, 0, 59, &minute) || !read_mark(&at, ':') ||
	    !read_field(&at, 2, 0, 60, &second))
		return false;
	if (!read_fraction(&at, &us) || !read_offset(&at, &offset) || *at != '\0')
		return false;

	int64_t since = days_from_date(year, month, day) * DAY_S;
	since += hour * 3600 + minute * 60 + second - offset;
	/* A leap second ends a day of UTC (RFC 3339, 5.7); POSIX time counts it as the next one. */
	if (second == 60 && since % DAY_S != 0)
		return false;
	if (since < 0 || since > WALL_LAST_US / CLOCK_S_US)
		return false;
	out->us = since * CLOCK_S_US + us;
	return true;
}
