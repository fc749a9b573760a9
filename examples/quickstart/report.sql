-- SPDX-License-Identifier: MIT
-- For report.lua: per section its name, packages and KiB, largest first; then each package: section, name, KiB, version.
SELECT 'section', section, count(*), sum(kib) FROM package GROUP BY section ORDER BY sum(kib) DESC, section;
SELECT 'package', section, name, kib, version FROM package ORDER BY kib DESC, name;
