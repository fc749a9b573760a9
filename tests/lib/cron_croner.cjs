// SPDX-License-Identifier: MIT
// Reads "expression<TAB>zone<TAB>instant<TAB>local" lines, writes for each the three next instants (seconds) by npm's
// croner, or "skip" for what croner has no word for. For tests/unit/core/test_cron_differ.c; found by NODE_PATH.
const { Cron } = require("croner")

function answer(line) {
  const [expression, zone, instant] = line.split("\t")
  if (/L-/.test(expression)) return "skip"
  const fields = expression.split(" ")
  // It wants a-b/n where others write a/n.
  const last = fields.length === 5 ? [59, 23, 31, 12, 6] : [59, 59, 23, 31, 12, 6, 2199]
  fields.forEach((field, i) => {
    fields[i] = field.replace(/(^|,)(\d+)\/(\d+)/g, (_, before, a, n) => `${before}${a}-${last[i]}/${n}`)
  })
  const times = []
  try {
    const cron = new Cron(fields.join(" "), { timezone: zone, paused: true, legacyMode: true })
    let at = new Date(Number(instant) * 1000)
    for (let i = 0; i < 3 && at; i++) {
      at = cron.nextRun(at)
      times.push(at ? Math.floor(at.getTime() / 1000) : "none")
    }
    return times.join(" ")
  } catch (e) {
    return "error " + e.message.replace(/\n/g, " ")
  }
}

const lines = require("fs").readFileSync(0, "utf8").split("\n").filter((line) => line !== "")
process.stdout.write(lines.map((line) => answer(line) + "\n").join(""))
