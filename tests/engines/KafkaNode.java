// SPDX-License-Identifier: Apache-2.0

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import kafka.Kafka;
import kafka.tools.StorageTool;

/**
 * Starts a Kafka broker: KafkaNode PROPERTIES DATA [OPTION...]. Formats DATA with the options first, where that was not
 * done; a process less than by Kafka's own scripts.
 */
public final class KafkaNode {
    private static final String CLUSTER = "Z2F0ZWhvdXNldGVzdDEyMw";

    private KafkaNode() {
    }

    private static void format(String[] args) {
        List<String> command = new ArrayList<>(List.of("format", "-t", CLUSTER, "-c", args[0]));
        command.addAll(Arrays.asList(args).subList(2, args.length));
        int status = StorageTool.execute(command.toArray(new String[0]), System.out);
        if (status != 0) {
            System.exit(status);
        }
    }

    public static void main(String[] args) {
        Life.endWithParent();
        if (!Files.exists(Path.of(args[1], "meta.properties"))) {
            format(args);
        }
        Kafka.main(new String[] {args[0]});
    }
}
