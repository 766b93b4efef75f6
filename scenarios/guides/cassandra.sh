#!/usr/bin/env -S trenchrun shell
# Cilium's guide "Securing a Cassandra Database" on a cluster of its own: trenchrun shell scenarios/guides/cassandra.sh
#
# The guide types its statements at the prompt of cqlsh; here cqlsh gets them with -e.

kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/kubernetes-cassandra/cass-sw-app.yaml
CASS_SERVER_POD=$(kubectl get pods -l app=cass-server -o jsonpath='{.items[0].metadata.name}')
HQ_POD=$(kubectl get pods -l app=empire-hq -o jsonpath='{.items[0].metadata.name}')
OUTPOST_POD=$(kubectl get pods -l app=empire-outpost -o jsonpath='{.items[0].metadata.name}')

# Keyspaces and tables with some data, as the guide's script makes them.
kubectl exec $CASS_SERVER_POD -- cqlsh -e "CREATE KEYSPACE deathstar WITH REPLICATION = { 'class' : 'NetworkTopologyStrategy', 'datacenter1' : 2 };"
kubectl exec $CASS_SERVER_POD -- cqlsh -e "CREATE TABLE deathstar.scrum_notes (creation timeuuid, empire_member_id uuid, content varchar, PRIMARY KEY (empire_member_id));"
kubectl exec $CASS_SERVER_POD -- cqlsh -e "INSERT INTO deathstar.scrum_notes (empire_member_id, creation, content) values (uuid(), now(), 'Trying to figure out if we should paint it medium grey.');"
kubectl exec $CASS_SERVER_POD -- cqlsh -e "CREATE KEYSPACE attendance WITH REPLICATION = { 'class' : 'NetworkTopologyStrategy', 'datacenter1' : 2 };"
kubectl exec $CASS_SERVER_POD -- cqlsh -e "CREATE TABLE attendance.daily_records (creation timeuuid, loc_id uuid, present boolean, empire_member_id uuid, PRIMARY KEY (loc_id));"
kubectl exec $CASS_SERVER_POD -- cqlsh -e "INSERT INTO attendance.daily_records (creation, loc_id, present, empire_member_id) values (now(), uuid(), true, uuid());"

# The danger of a compromised client.
kubectl exec $OUTPOST_POD -- cqlsh cassandra-svc -e "INSERT INTO attendance.daily_records (creation, loc_id, present, empire_member_id) values (now(), 074AD3B9-A47D-4EBC-83D3-CAD75B1911CE, true, 6AD3139F-EBFC-4E0C-9F79-8F997BA01D90);"
kubectl exec $OUTPOST_POD -- cqlsh cassandra-svc -e "SELECT * FROM attendance.daily_records;"
kubectl exec $OUTPOST_POD -- cqlsh cassandra-svc -e "SELECT * FROM deathstar.scrum_notes;"

# The policy.
kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/kubernetes-cassandra/cass-sw-security-policy.yaml
kubectl exec $OUTPOST_POD -- cqlsh cassandra-svc -e "SELECT * FROM attendance.daily_records;"
kubectl exec $OUTPOST_POD -- cqlsh cassandra-svc -e "SELECT * FROM deathstar.scrum_notes;"
kubectl exec $OUTPOST_POD -- cqlsh cassandra-svc -e "INSERT INTO attendance.daily_records (creation, loc_id, present, empire_member_id) values (now(), uuid(), true, uuid());"
kubectl exec $HQ_POD -- cqlsh cassandra-svc -e "SELECT loc_id, present FROM attendance.daily_records;"
kubectl exec -n kube-system ds/cilium -- cilium monitor -t l7 | grep -E 'attendance|deathstar'
hubble observe --type l7 --verdict DROPPED
