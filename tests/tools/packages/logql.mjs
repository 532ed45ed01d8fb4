// Reports where Grafana's own grammar of LogQL does not understand a query; each argument is one.
import { parser } from "@grafana/lezer-logql";

for (const query of process.argv.slice(2)) {
  parser.parse(query).iterate({
    enter(node) {
      if (node.type.isError) {
        console.error(`not understood from ${node.from} on: ${query}`);
        process.exitCode = 1;
      }
    },
  });
}
