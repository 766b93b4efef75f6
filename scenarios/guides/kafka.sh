#!/usr/bin/env -S trenchrun shell
# Cilium's guide "Securing a Kafka Cluster" on a cluster of its own: trenchrun shell scenarios/guides/kafka.sh
#
# The guide types its commands in windows of their own, in shells of the pods. Here each command is one kubectl exec, and a consumer ends after as many
# messages as are there, or when none has come for a time.

kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/kubernetes-kafka/kafka-sw-app.yaml
HQ_POD=$(kubectl get pods -l app=empire-hq -o jsonpath='{.items[0].metadata.name}')
BACKUP_POD=$(kubectl get pods -l app=empire-backup -o jsonpath='{.items[0].metadata.name}')
OUTPOST_8888_POD=$(kubectl get pods -l outpostid=8888 -o jsonpath='{.items[0].metadata.name}')
OUTPOST_9999_POD=$(kubectl get pods -l outpostid=9999 -o jsonpath='{.items[0].metadata.name}')

# Produce and consume.
kubectl exec $HQ_POD -- sh -c 'echo "Happy 40th Birthday to General Tagge" | ./kafka-produce.sh --topic empire-announce'
kubectl exec $OUTPOST_8888_POD -- ./kafka-consume.sh --topic empire-announce --max-messages 1
kubectl exec $HQ_POD -- sh -c 'echo "deathstar reactor design v3" | ./kafka-produce.sh --topic deathstar-plans'
kubectl exec $BACKUP_POD -- ./kafka-consume.sh --topic deathstar-plans --max-messages 1

# The danger of a compromised client.
kubectl exec $OUTPOST_9999_POD -- sh -c 'echo "Vader Booed at Empire Karaoke Party" | ./kafka-produce.sh --topic empire-announce'
kubectl exec $OUTPOST_9999_POD -- ./kafka-consume.sh --topic deathstar-plans --max-messages 1

# The policy.
kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/kubernetes-kafka/kafka-sw-security-policy.yaml
kubectl exec $OUTPOST_9999_POD -- sh -c 'echo "Vader Trips on His Own Cape" | ./kafka-produce.sh --topic empire-announce'
kubectl exec $OUTPOST_9999_POD -- ./kafka-consume.sh --topic deathstar-plans --timeout-ms 150
kubectl exec -n kube-system ds/cilium -- cilium monitor -t l7 | grep Denied
kubectl exec $OUTPOST_9999_POD -- ./kafka-consume.sh --topic empire-announce --max-messages 2
kubectl exec $HQ_POD -- sh -c 'echo "m" | ./kafka-produce.sh --topic deathstar-plans'
kubectl exec $BACKUP_POD -- ./kafka-consume.sh --topic deathstar-plans --max-messages 2
kubectl exec $HQ_POD -- ./kafka-consume.sh --topic deathstar-plans --max-messages 1
hubble observe --protocol kafka --verdict DROPPED
hubble observe --protocol kafka --verdict DROPPED -o json | jq -c '.flow.l7' | head -2
