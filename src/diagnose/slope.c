/* diagnose/slope.c: how fast memory grows, and how sure that is.
 *
 * Room   diagnose; analyser process; knows numbers only.
 * Method Least squares over the part after warm-up (the first quarter of the time is cut off). Looks
 *        lie close together where memory grows, and mprof's samples lie a tenth of a second apart:
 *        of many points the means of parts of equal time are taken, so that no stretch of time weighs
 *        more than another. The interval is Student's. Neighbours are alike in memory, which makes an
 *        interval that takes them for independent too narrow: it is widened by what the residuals
 *        have in common with their neighbours. */
#include "diagnose/slope.h"

#include <math.h>

/* Student's t for 95 %, two-sided, by degrees of freedom from 4 on. */
static const double student[] = {2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
                                 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080,
                                 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
_Static_assert(sizeof student / sizeof *student == HL_SLOPE_PARTS - HL_SLOPE_LEAST + 1,
               "a value for every number of points");
#define LIKENESS_MOST 0.95

typedef struct points {
    double x[HL_SLOPE_PARTS], y[HL_SLOPE_PARTS];
    uint32_t n;
} points;

static void add(points *p, double x, double y)
{
    p->x[p->n] = x;
    p->y[p->n++] = y;
}

/* Means of parts of equal time; parts in which nothing was seen are left out. */
static void gather(const double *seconds, const int64_t *bytes, uint32_t first, uint32_t n,
                   uint32_t told, points *p)
{
    double from = seconds[first], length = seconds[n - 1] - from, x = 0, y = 0;
    uint32_t part = 0, in_part = 0;
    for (uint32_t i = first; i < n; i++) {
        if (bytes[i] == HL_CELL_NONE)
            continue;
        double share = (seconds[i] - from) / length;
        uint32_t at = (uint32_t)(share * HL_SLOPE_PARTS);
        at = at < HL_SLOPE_PARTS ? at : HL_SLOPE_PARTS - 1;
        if (told <= HL_SLOPE_PARTS) {
            add(p, seconds[i], (double)bytes[i]);
            continue;
        }
        if (in_part && at != part) {
            add(p, x / in_part, y / in_part);
            x = y = in_part = 0;
        }
        part = at;
        x += seconds[i];
        y += (double)bytes[i];
        in_part++;
    }
    if (in_part)
        add(p, x / in_part, y / in_part);
}

/* How much each residual has of the one before: 0 .. LIKENESS_MOST. */
static double likeness(const double *residual, uint32_t n)
{
    double both = 0, all = 0;
    for (uint32_t i = 0; i < n; i++) {
        all += residual[i] * residual[i];
        both += i ? residual[i] * residual[i - 1] : 0;
    }
    double r = all > 0 ? both / all : 0;
    return r < 0 ? 0 : r < LIKENESS_MOST ? r : LIKENESS_MOST;
}

static void fit(const points *p, hl_slope *out)
{
    double mx = 0, my = 0, sxx = 0, sxy = 0, squares = 0, residual[HL_SLOPE_PARTS];
    for (uint32_t i = 0; i < p->n; i++) {
        mx += p->x[i] / p->n;
        my += p->y[i] / p->n;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        sxx += (p->x[i] - mx) * (p->x[i] - mx);
        sxy += (p->x[i] - mx) * (p->y[i] - my);
    }
    if (!(sxx > 0))
        return;
    double slope = sxy / sxx;
    for (uint32_t i = 0; i < p->n; i++) {
        residual[i] = p->y[i] - my - slope * (p->x[i] - mx);
        squares += residual[i] * residual[i];
    }
    double r = likeness(residual, p->n);
    double error = sqrt(squares / (p->n - 2) / sxx * (1 + r) / (1 - r));
    double half = student[p->n - HL_SLOPE_LEAST] * error;
    if (!isfinite(slope) || !isfinite(half))
        return;
    out->told = true;
    out->per_second = slope;
    out->low = slope - half;
    out->high = slope + half;
    out->from_s = p->x[0];
    out->to_s = p->x[p->n - 1];
    out->points = p->n;
}

void hl_slope_fit(const double *seconds, const int64_t *bytes, uint32_t n, hl_slope *out)
{
    points p = {.n = 0};
    uint32_t first = 0, told = 0;
    *out = (hl_slope){.told = false};
    if (!n || !(seconds[n - 1] - seconds[0] > 0) || !isfinite(seconds[n - 1] - seconds[0]))
        return;
    double warm = seconds[0] + HL_SLOPE_WARM_UP * (seconds[n - 1] - seconds[0]);
    while (first < n && seconds[first] < warm)
        first++;
    for (uint32_t i = first; i < n; i++)
        told += bytes[i] != HL_CELL_NONE;
    if (told < HL_SLOPE_LEAST || !(seconds[n - 1] - seconds[first] > 0))
        return;
    gather(seconds, bytes, first, n, told, &p);
    if (p.n >= HL_SLOPE_LEAST)
        fit(&p, out);
}
